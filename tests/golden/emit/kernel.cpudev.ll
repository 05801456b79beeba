
define internal i32 @kernel.0(ptr %ctx, i32 %sr0, i32 %sr1, i32 %sr2, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %p0, i64 %p1, i1 %p2) nounwind alwaysinline {
b0:
  %print26 = alloca i64, i32 5, align 8
  %v4 = getelementptr inbounds i8, ptr %shared, i64 0
  %v6 = getelementptr i8, ptr %dynshared, i64 0
  %v8 = getelementptr i8, ptr @kernel.0_const8, i64 0
  %v10 = add i32 %sr0, 0
  %v11 = sext i32 %v10 to i64
  %v12 = getelementptr inbounds float, ptr %p0, i64 %v11
  %v13 = load float, ptr %v12, align 4
  %v14 = getelementptr inbounds float, ptr %v4, i64 %v11
  store float %v13, ptr %v14, align 4
  call void @nj_rt_barrier(ptr %ctx)
  %v15 = load float, ptr %v4, align 4
  %v16 = atomicrmw fadd ptr %v12, float %v15 monotonic
  %v17 = atomicrmw max ptr %v6, i32 %v10 monotonic
  %t0 = cmpxchg ptr %v6, i32 0, i32 %v17 monotonic monotonic
  %v18 = extractvalue { i32, i1 } %t0, 0
  %v19 = load double, ptr %v8, align 8
  %t1 = getelementptr inbounds i64, ptr %print26, i64 0
  store float %v16, ptr %t1, align 8
  %t2 = getelementptr inbounds i64, ptr %print26, i64 1
  store ptr @nj_str1, ptr %t2, align 8
  %t3 = getelementptr inbounds i64, ptr %print26, i64 2
  store i64 3, ptr %t3, align 8
  %t4 = getelementptr inbounds i64, ptr %print26, i64 3
  store double %v19, ptr %t4, align 8
  %t5 = zext i1 %p2 to i64
  %t6 = getelementptr inbounds i64, ptr %print26, i64 4
  store i64 %t5, ptr %t6, align 8
  call void @nj_rt_print(ptr @nj_str3, ptr %print26)
  %v21 = call i32 @nj_rt_barrier_count(ptr %ctx, i32 %v18)
  fence seq_cst
  %v22 = icmp sgt i32 %v21, 3
  br i1 %v22, label %b1, label %b2
b1:
  ret i32 1
b2:
  ret i32 0
}

define i32 @naja.kernel.0(ptr noalias readonly %args, ptr noalias %ctx) nounwind {
entry:
  %t0 = getelementptr inbounds i8, ptr %ctx, i64 0
  %sr0 = load i32, ptr %t0, !range !0
  %t1 = getelementptr inbounds i8, ptr %ctx, i64 4
  %sr1 = load i32, ptr %t1, !range !0
  %t2 = getelementptr inbounds i8, ptr %ctx, i64 8
  %sr2 = load i32, ptr %t2, !range !0
  %t3 = getelementptr inbounds i8, ptr %ctx, i64 12
  %sr3 = load i32, ptr %t3, !range !0
  %t4 = getelementptr inbounds i8, ptr %ctx, i64 16
  %sr4 = load i32, ptr %t4, !range !0
  %t5 = getelementptr inbounds i8, ptr %ctx, i64 20
  %sr5 = load i32, ptr %t5, !range !0
  %t6 = getelementptr inbounds i8, ptr %ctx, i64 24
  %sr6 = load i32, ptr %t6, !range !0
  %t7 = getelementptr inbounds i8, ptr %ctx, i64 28
  %sr7 = load i32, ptr %t7, !range !0
  %t8 = getelementptr inbounds i8, ptr %ctx, i64 32
  %sr8 = load i32, ptr %t8, !range !0
  %t9 = getelementptr inbounds i8, ptr %ctx, i64 36
  %sr9 = load i32, ptr %t9, !range !0
  %t10 = getelementptr inbounds i8, ptr %ctx, i64 40
  %sr10 = load i32, ptr %t10, !range !0
  %t11 = getelementptr inbounds i8, ptr %ctx, i64 44
  %sr11 = load i32, ptr %t11, !range !0
  %t12 = getelementptr inbounds i8, ptr %ctx, i64 48
  %shared = load ptr, ptr %t12
  %t13 = getelementptr inbounds i8, ptr %ctx, i64 56
  %dynshared = load ptr, ptr %t13
  %t14 = getelementptr inbounds i64, ptr %args, i64 0
  %t15 = load ptr, ptr %t14
  %t16 = getelementptr inbounds i64, ptr %args, i64 1
  %t17 = load i64, ptr %t16
  %t18 = getelementptr inbounds i64, ptr %args, i64 2
  %t19 = load i8, ptr %t18
  %t20 = icmp ne i8 %t19, 0
  %t21 = call i32 @kernel.0(ptr %ctx, i32 %sr0, i32 %sr1, i32 %sr2, i32 %sr3, i32 %sr4, i32 %sr5, i32 %sr6, i32 %sr7, i32 %sr8, i32 %sr9, i32 %sr10, i32 %sr11, ptr %shared, ptr %dynshared, ptr %t15, i64 %t17, i1 %t20)
  ret i32 %t21
}

@kernel.0_const8 = internal constant [8 x i8] c"\00\00\00\00\00\00\F0?", align 16
declare void @nj_rt_barrier(ptr) nounwind
@nj_str1 = internal constant [4 x i8] c"and\00"
declare void @nj_rt_print(ptr, ptr) nounwind
@nj_str3 = internal constant [5 x i8] c"gsfb\00"
declare i32 @nj_rt_barrier_count(ptr, i32) nounwind
!0 = !{i32 0, i32 2147483647}
