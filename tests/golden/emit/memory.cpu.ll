
define internal double @memory.0(ptr %p0, ptr %p1, i64 %p2, i1 %p3) nounwind uwtable alwaysinline {
b0:
  %v5 = alloca i32, i32 4, align 16
  %v6 = getelementptr inbounds i8, ptr %p0, i64 %p2
  %t0 = load i8, ptr %v6, align 1
  %v7 = icmp ne i8 %t0, 0
  %v8 = xor i1 %v7, %p3
  %t1 = zext i1 %v8 to i8
  store i8 %t1, ptr %v6, align 1
  %v9 = getelementptr inbounds i8, ptr %p1, i64 8
  %v12 = load double, ptr %v9, align 8
  %v13 = getelementptr inbounds i32, ptr %v5, i64 1
  store i32 7, ptr %v13, align 4
  %v14 = load volatile i32, ptr %v13, align 4
  %v15 = sitofp i32 %v14 to double
  %v17 = load i64, ptr %v9, align 8
  %v18 = bitcast i64 %v17 to double
  %v19 = fadd double %v12, %v15
  %v20 = select i1 %v8, double %v19, double %v18
  ret double %v20
}

define i32 @naja.memory.0(ptr noalias readonly %args, ptr noalias %ret) nounwind uwtable {
  %t0 = getelementptr inbounds i64, ptr %ret, i64 0
  %t1 = getelementptr inbounds i64, ptr %args, i64 0
  %t2 = load ptr, ptr %t1
  %t3 = getelementptr inbounds i64, ptr %args, i64 1
  %t4 = load ptr, ptr %t3
  %t5 = getelementptr inbounds i64, ptr %args, i64 2
  %t6 = load i64, ptr %t5
  %t7 = getelementptr inbounds i64, ptr %args, i64 3
  %t8 = load i8, ptr %t7
  %t9 = icmp ne i8 %t8, 0
  %t10 = call double @memory.0(ptr %t2, ptr %t4, i64 %t6, i1 %t9)
  store double %t10, ptr %t0
  ret i32 0
}

