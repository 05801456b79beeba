target triple = "nvptx64-nvidia-cuda"

define internal i32 @kernel$0(ptr %p0, i64 %p1, i1 %p2) nounwind convergent alwaysinline {
b0:
  %print26 = alloca i64, i32 5, align 8
  %v4 = getelementptr i8, ptr addrspace(3) @kernel$0_shared4, i64 0
  %v5 = addrspacecast ptr addrspace(3) %v4 to ptr
  %v6 = getelementptr i8, ptr addrspace(3) @nj_dynshared, i64 0
  %v7 = addrspacecast ptr addrspace(3) %v6 to ptr
  %v8 = getelementptr i8, ptr addrspace(4) @kernel$0_const8, i64 0
  %v9 = addrspacecast ptr addrspace(4) %v8 to ptr
  %v10 = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %v11 = sext i32 %v10 to i64
  %v12 = getelementptr inbounds float, ptr %p0, i64 %v11
  %v13 = load float, ptr %v12, align 4
  %v14 = getelementptr inbounds float, ptr %v5, i64 %v11
  store float %v13, ptr %v14, align 4
  call void @llvm.nvvm.barrier0() convergent
  %v15 = load float, ptr %v5, align 4
  %v16 = atomicrmw fadd ptr %v12, float %v15 monotonic
  %v17 = atomicrmw max ptr %v7, i32 %v10 monotonic
  %t0 = cmpxchg ptr %v7, i32 0, i32 %v17 monotonic monotonic
  %v18 = extractvalue { i32, i1 } %t0, 0
  %v19 = load double, ptr %v9, align 8
  %t1 = fpext float %v16 to double
  %t2 = getelementptr inbounds i64, ptr %print26, i64 0
  store double %t1, ptr %t2, align 8
  %t3 = getelementptr inbounds i64, ptr %print26, i64 1
  store double %v19, ptr %t3, align 8
  %t4 = zext i1 %p2 to i64
  %t5 = getelementptr inbounds i64, ptr %print26, i64 2
  store i64 %t4, ptr %t5, align 8
  %t6 = call i32 @vprintf(ptr addrspacecast (ptr addrspace(1) @nj_str5 to ptr), ptr %print26)
  %v21 = call i32 @llvm.nvvm.barrier0.popc(i32 %v18) convergent
  call void @llvm.nvvm.membar.gl()
  %v22 = icmp sgt i32 %v21, 3
  br i1 %v22, label %b1, label %b2
b1:
  ret i32 1
b2:
  ret i32 0
}

define ptx_kernel void @naja_kernel$0(ptr %a0, i64 %a1, i8 %a2) nounwind convergent {
  %t0 = icmp ne i8 %a2, 0
  %t1 = call i32 @kernel$0(ptr %a0, i64 %a1, i1 %t0)
  ret void
}

@kernel$0_shared4 = internal addrspace(3) global [16 x float] undef, align 16
@nj_dynshared = external addrspace(3) global [0 x i8], align 16
@kernel$0_const8 = internal addrspace(4) constant [8 x i8] c"\00\00\00\00\00\00\F0?", align 16
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x() nounwind readnone
declare void @llvm.nvvm.barrier0() convergent nounwind
declare i32 @vprintf(ptr, ptr)
@nj_str5 = internal addrspace(1) constant [16 x i8] c"%f and %f %lld\0A\00"
declare i32 @llvm.nvvm.barrier0.popc(i32) convergent nounwind
declare void @llvm.nvvm.membar.gl() nounwind
!0 = !{ptr @naja_kernel$0, !"kernel", i32 1}
!nvvm.annotations = !{!0}
