target triple = "nvptx64-nvidia-cuda"

define internal double @memory$0(ptr %p0, ptr %p1, i64 %p2, i1 %p3) nounwind convergent alwaysinline {
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

define double @naja_memory$0(ptr %a0, ptr %a1, i64 %a2, i8 %a3) nounwind convergent {
  %t0 = alloca double
  %t1 = icmp ne i8 %a3, 0
  %t2 = call double @memory$0(ptr %a0, ptr %a1, i64 %a2, i1 %t1)
  ret double %t2
}

